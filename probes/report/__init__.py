"""One self-contained page of what a study found; it reads only what the stages wrote (Sec. 4)."""
