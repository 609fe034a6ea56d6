using MemLoad;
using MemLoad.Cli;

StandardStreams.Hold();
AddressSpace.Prepare();

// A measured child process must start fast and use little memory, so it does not create the commands.
return args is [WorkerCommand.Verb, ..] ? WorkerEntry.Run()
    : await CliRunner.RunAsync(args, CliConsole.ForProcess(), CancellationToken.None);
