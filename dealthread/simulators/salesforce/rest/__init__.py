"""The resources below `/services`: what is asked over HTTP and how it is answered."""
