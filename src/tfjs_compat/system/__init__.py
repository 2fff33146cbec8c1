"""What the operating system gives: child processes, the store on disk, whole-file writes, memory, cleaned text.

Takes paths, commands and limits; gives files and exit statuses. The only room that starts a process.
Imports: errors.
"""
