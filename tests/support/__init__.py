"""What several tests share: sample values, a small index, the command line in this process."""
