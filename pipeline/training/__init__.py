"""What `train` is made of: jobs, the processes that do them, what is kept of unfinished ones."""
