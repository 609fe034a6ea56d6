namespace MemLoad;

/// <summary>The state that all files of a checkpoint share while it is opened.</summary>
/// <param name="Budget">The memory that opening may use, and the connections if the checkpoint is on a server.</param>
/// <param name="Files">Keeps the files open for a load. Null closes them.</param>
/// <param name="Stop">Stops the opening.</param>
internal sealed record Opening(OpenBudget Budget, CheckpointFileSet? Files, CancellationToken Stop);
