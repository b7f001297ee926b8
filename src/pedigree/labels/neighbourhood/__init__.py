"""What the nearest neighbours in feature space say of a data set: what lies outside, what is there twice, what is mixed up.

All of it is answered from one graph (`graph.neighbours`). `pedigree.labels` has the names; this folder is not called `neighbours`
because the function is, and Python would put the folder in its place.
"""
