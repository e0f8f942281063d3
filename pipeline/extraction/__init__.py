"""What the stage `extract` is made of: who computes, what is known already, who has no vector."""
