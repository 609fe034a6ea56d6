using System.Text.Json.Serialization;

namespace MemLoad;

/// <summary>The JSON form of requests and rows: without reflection, enums by name.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(MeasureRequest))]
[JsonSerializable(typeof(LoadMeasurement))]
internal sealed partial class MeasurementJson : JsonSerializerContext;
