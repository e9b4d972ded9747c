"""Charts, colours and sentences made from plain records."""
