"""A run as pages to look at: what the model was shown, where it looked, what it wrote, and what that earned."""
