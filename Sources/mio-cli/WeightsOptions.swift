import ArgumentParser
import MIORun

/// Which weights.
struct WeightsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "auto: the run directory's model.safetensors, or its newest checkpoint if that is newer or alone. "
                + "checkpoint: its newest checkpoint. Or a .safetensors file, or a checkpoint's folder.",
            valueName: "weights"))
    var weights = "auto"

    var source: WeightsSource { WeightsSource(weights) }
}
