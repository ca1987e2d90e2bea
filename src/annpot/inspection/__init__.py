"""What a file or a folder is, and what it says: sheets of facts and tables."""
