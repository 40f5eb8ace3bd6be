"""What the lessons share: the command `lesson` and what it needs. A lesson's tasks never import it."""
