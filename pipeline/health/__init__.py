"""What `mculora doctor` looks at: the machine, the model hub, the encoders, and what to advise."""
