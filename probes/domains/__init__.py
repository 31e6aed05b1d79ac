"""One file for each family of environments: it joins the probes to a simulator."""
