using MemLoad;
using MemLoad.Torch;
using TorchSharp;

// The plan is made from the headers of the file. Auto is the fastest strategy whose forecast fits the memory that is available.
using PreparedLoad load = PreparedLoad.Prepare(new LoadRequest { Path = args[0], Strategy = Strategy.Auto, Device = "torch:cpu" });
LoadForecast forecast = load.ToRow();
Console.WriteLine(
    $"Forecast: {forecast.ChosenStrategy} needs {forecast.ForecastHostBytes} bytes of memory and maps {forecast.ForecastHostFileBytes}.");

// The tensors lie over the memory that was loaded into. Nothing is copied.
using LoadedWeights weights = load.Load();
TorchStateDict tensors = weights.AsTorch();
foreach (string name in tensors.Names)
{
    torch.Tensor tensor = tensors[name];
    Console.WriteLine($"{name} [{string.Join(", ", tensor.shape)}] {tensor.dtype}");
}
