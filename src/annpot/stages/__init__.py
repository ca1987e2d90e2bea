"""Plans of several stages: where they are on disk, how far they are, running them."""
