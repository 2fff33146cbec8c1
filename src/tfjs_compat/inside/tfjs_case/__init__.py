"""What an environment's Python runs for one case. Python >= 3.8; imports nothing of tfjs_compat."""
