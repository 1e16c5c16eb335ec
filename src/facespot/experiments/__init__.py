"""Protocol x method x corpus in, a run folder, its summary and the papers' tables out."""
