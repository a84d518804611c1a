import ArgumentParser
import MIORun

/// Which weights.
struct WeightsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "auto: the run directory's model.safetensors, or its newest checkpoint if that is newer or alone. "
                + "checkpoint: its newest checkpoint. start: the files that the job's weights start from. "
                + "Or a .safetensors, .keras or .h5 file, or a checkpoint's folder.",
            valueName: "weights"))
    var weights = "auto"

    var source: WeightsSource { WeightsSource(weights) }
}
