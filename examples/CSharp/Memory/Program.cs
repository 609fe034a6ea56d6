using MemLoad;

// The plan is made from the headers of the file. Auto is the fastest strategy whose forecast fits the memory that is available.
using PreparedLoad load = PreparedLoad.Prepare(new LoadRequest { Path = args[0], Strategy = Strategy.Auto, Device = "cpu" });
LoadForecast forecast = load.ToRow();
Console.WriteLine(
    $"Forecast: {forecast.ChosenStrategy} needs {forecast.ForecastHostBytes} bytes of memory and maps {forecast.ForecastHostFileBytes}.");

// Nothing was allocated so far. The weights own the memory until they are disposed.
using LoadedWeights weights = load.Load();
foreach (TensorEntry tensor in weights.Tensors.Where(tensor => tensor.DType == DType.Float32))
{
    ReadOnlySpan<float> values = weights[tensor.Name].AsSpan<float>();
    Console.WriteLine($"{tensor.Name} [{string.Join(", ", tensor.Shape)}] begins with {values[0]}");
}
