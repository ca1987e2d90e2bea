"""Every key of the five commands, declared once: one module per command."""
