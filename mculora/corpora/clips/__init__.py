"""Your own clips: a table of media files and what is known of each."""
