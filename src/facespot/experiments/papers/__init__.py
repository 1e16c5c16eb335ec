"""The id of a printed table or figure in, ours beside it out.

One file per paper lists what it prints from top to bottom and makes each part from runs that the parts share;
`registry` knows every id.
"""
