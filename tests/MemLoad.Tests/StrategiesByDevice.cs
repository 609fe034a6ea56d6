namespace MemLoad.Tests;

/// <summary>Every strategy with every kind of device that needs nothing: the host and one with memory of its own.</summary>
public static class StrategiesByDevice
{
    public static TheoryData<Strategy, string> All
    {
        get
        {
            var data = new TheoryData<Strategy, string>();
            foreach (Strategy strategy in Strategies.All)
            {
                data.Add(strategy, "cpu");
                data.Add(strategy, "sim");
            }
            return data;
        }
    }
}
