"""Admission policies of Kubernetes and of the engines around it, as policies of this project.

A ValidatingAdmissionPolicy with its bindings is judged as an API server judges it: the request it would see is put
together from the object, match criteria are those of k8s.io/apiserver, expressions run in its environment. What only a
cluster knows is unknown.
"""
