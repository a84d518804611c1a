# mpirun, told to be quiet where it can be: Open MPI 5 has no such option. Sourced by other scripts.
# shellcheck shell=bash disable=SC2034

quiet=()
! mpirun --version 2>/dev/null | grep -q '(Open MPI) 4\.' || quiet=(-q)
# What lets more ranks run than there are cores: as Open MPI 4 has it, and as 5 has it.
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
