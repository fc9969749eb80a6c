"""A real etcd and a real kube-apiserver on loopback, and what they make of policykit's webhook."""
