from multigenre._seeds import child_seeds


def test_children_of_one_seed_differ_from_each_other_and_from_those_of_another():
    seeds = child_seeds(0, 20) + child_seeds(1, 20)
    assert len(set(seeds)) == 40 and all(0 < seed < 2**31 for seed in seeds)
