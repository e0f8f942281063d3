"""How the bytes of a corpus arrive and are opened safely."""
