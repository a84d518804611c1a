/* Starts MPI and ends it: the least that any program under mpirun has to do before its first step.
 *
 * Rank 0 prints one line of JSON: the seconds from MIO_LAUNCH_TIME (seconds since 1970, set just before mpirun) to
 * MPI_Init's return, which is where a program's own start begins. Without the variable it prints null.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv) {
    if (MPI_Init(&argc, &argv) != MPI_SUCCESS) return 1;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int rank;
    if (MPI_Comm_rank(MPI_COMM_WORLD, &rank) != MPI_SUCCESS) return 1;
    if (rank == 0) {
        const char *launch = getenv("MIO_LAUNCH_TIME");
        if (launch)
            printf("{\"program\": \"mpi-init\", \"initialized_seconds\": %.6f}\n",
                   (double)now.tv_sec + 1e-9 * (double)now.tv_nsec - strtod(launch, NULL));
        else
            puts("{\"program\": \"mpi-init\", \"initialized_seconds\": null}");
        fflush(stdout);
    }
    return MPI_Finalize() == MPI_SUCCESS ? 0 : 1;
}
