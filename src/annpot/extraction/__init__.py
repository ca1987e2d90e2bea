"""Networks of checkpoints, written for re-training and for molecular dynamics."""
