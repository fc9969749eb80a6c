"""Documents into typed subjects: one model of images, containers and the rest for all three formats.

Views know formats and their meaning; they know no policy, read no file, and never raise on what a document holds.
"""
