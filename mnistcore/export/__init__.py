"""What of a network can be taken home: files that others open."""
