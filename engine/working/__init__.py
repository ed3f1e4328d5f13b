"""Working: jobs are run, in this process, in several, or on several machines; who runs what is asked of a Source."""
