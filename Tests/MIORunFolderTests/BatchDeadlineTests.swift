import Foundation
import MIORunFolder
import Testing

@Suite struct BatchDeadlineTests {
    @Test func batchSystemsTellWhenAJobEnds() throws {
        #expect(BatchDeadline.of(environment: [:], jobBegan: { 5 }) == nil)
        #expect(
            BatchDeadline.of(environment: ["SLURM_JOB_END_TIME": "1795000000"], jobBegan: { 5 })
                == 1_795_000_000)
        #expect(
            BatchDeadline.of(environment: ["PBS_JOBID": "7", "PBS_WALLTIME": "3600"], jobBegan: { 5 }) == 3605
        )
        #expect(BatchDeadline.of(environment: ["PBS_WALLTIME": "3600"], jobBegan: { 5 }) == nil)
        #expect(BatchDeadline.isInBatch(environment: ["PBS_JOBID": "7"]))
        #expect(!BatchDeadline.isInBatch(environment: [:]))
        let began = try #require(BatchDeadline.oldestAncestor())
        #expect(began <= Date().timeIntervalSince1970)
        #expect(began > 0)
    }

    @Test func timeLeftOfLSFIsRead() {
        #expect(BatchDeadline.secondsLeft(lsf: "1:05 L\n") == 3840)
        #expect(BatchDeadline.secondsLeft(lsf: "167:59 L") == 604_680)
        // With LSB_HMS_TIME_FORMAT.
        #expect(BatchDeadline.secondsLeft(lsf: "00:10:30 L") == 570)
        #expect(BatchDeadline.secondsLeft(lsf: "0:00 L") == 0)
        for text in [
            "-", "", "1:05 E", "0:00 X", "1:05", "a:b L", "12 L", "1:2:3:4 L", "Job <7> is not found",
        ] {
            #expect(BatchDeadline.secondsLeft(lsf: text) == nil, "\(text)")
        }
    }

    @Test func wallTimeOfPBSIsRead() {
        let text = """
            Job Id: 1234.server
                Job_Name = mio
                Resource_List.ncpus = 4
                Resource_List.walltime = 01:30:05
                resources_used.walltime = 00:00:12
            """
        #expect(BatchDeadline.wallTime(pbs: text) == 5405)
        #expect(BatchDeadline.wallTime(pbs: "    Resource_List.walltime = 120\n") == 120)
        #expect(BatchDeadline.wallTime(pbs: "    Resource_List.walltime = 02:10\n") == 130)
        #expect(BatchDeadline.wallTime(pbs: "    resources_used.walltime = 00:00:12\n") == nil)
        #expect(BatchDeadline.wallTime(pbs: "") == nil)
    }
}
