using System.Text.Json.Serialization;

namespace MemLoad;

/// <summary>How requests and rows are written as JSON: without reflection, enums by name.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(MeasureRequest))]
[JsonSerializable(typeof(LoadMeasurement))]
internal sealed partial class MeasurementJson : JsonSerializerContext;
