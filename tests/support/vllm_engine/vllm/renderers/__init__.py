from .base import BaseRenderer
from .params import ChatParams, TokenizeParams

__all__ = ["BaseRenderer", "ChatParams", "TokenizeParams"]
