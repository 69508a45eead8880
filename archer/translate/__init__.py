"""Our words to Kubernetes and back. Pure: values in, values out."""
