"""The programs that turn Markdown into HTML; each module here knows one of them, and no other does."""
