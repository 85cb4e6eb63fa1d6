"""What training adds to the core: the zoom environment as TRL drives it."""
