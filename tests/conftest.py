from __future__ import annotations

import os

from support import torchvision_shim

# Read when transformers is first imported: no test may look for a model in the network.
os.environ["HF_HUB_OFFLINE"] = "1"
torchvision_shim.install()
