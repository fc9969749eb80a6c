"""Admission policies of Kubernetes and of the engines around it, as policies of this project.

ValidatingAdmissionPolicies, Kyverno's CEL policies and Gatekeeper's CEL templates are read (`kubernetes`, `kyverno`,
`gatekeeper`) into one form (`form`), compiled (`compiler`) and judged (`check`) as their engines judge them: the
request that an API server would see is put together from the object (`request`), criteria say whether a rule is about
it (`matching`), its expressions decide (`validating`). What only a cluster knows is unknown.
"""
