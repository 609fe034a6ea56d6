namespace MemLoad.Tests;

/// <summary>Every strategy with every kind of device that has no requirements: the host, and a device with separate memory.</summary>
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
