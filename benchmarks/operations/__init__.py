"""Operating metrics against simulated content logs whose truth is known."""
