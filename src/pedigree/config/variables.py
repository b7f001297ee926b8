"""The variables of the environment in which the processes of a run find it."""

#: The folder of the run. It is known once the run starts, which is after its configuration was frozen.
RUN = "PEDIGREE_RUN"
#: The frozen file to run, for jobs of a sweep and for processes that start the script again.
CONFIG = "PEDIGREE_CONFIG"
#: The folder of the job of a sweep.
JOB = "PEDIGREE_JOB"
