"""Shipped weights come in; every figure of their card goes out: by quality, frame rate, people and calm.

`conditions` says which corpora there are and what is measured on each, `targets` what the project wants. `corpora`
finds or makes them, `people` measures who is in them, `spotting` spots their videos, each once. `measuring`,
`recognition` and `differences` turn what was spotted into figures; `document` puts these into one JSON document and a
table for other programs, `page` shows them to people. `bench` does all of it in order.

All of it is synthetic: no figure here says how well the expressions of people are spotted.
"""
