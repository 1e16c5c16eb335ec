"""Arguments in, calls and printed tables out; nothing else. Results go to stdout, progress and messages to stderr."""
