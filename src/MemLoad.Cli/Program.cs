using MemLoad;
using MemLoad.Cli;

StandardStreams.Hold();
AddressSpace.SettleIn();

// The measured child must start fast and hold little: it never sees the command tree.
return args is [WorkerCommand.Verb, ..] ? WorkerEntry.Run() : await CliRunner.RunAsync(args, CliConsole.ForProcess(), CancellationToken.None);
