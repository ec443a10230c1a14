"""Sentences to try, by the function that they come to."""

from collections.abc import Collection

EXAMPLES = {
    "get_weather_forecast": "What is the weather in Seoul?",
    "take_a_photo": "Take a selfie with the front camera",
    "set_volume": "Set the media volume to 5",
    "start_charging": "Start charging the car",
    "send_text_message": "Text John the weather in Seoul",
    "set_timer_alarm": "Set an alarm for 7 am",
    "lock_screen": "Lock the computer",
    "turn_on": "Turn on the kitchen light",
    "get_vehicle_status": "How full is the car's battery?",
    "media_control": "Pause the music on the computer",
    "get_trending_news": "Show me the latest news",
}
"""Most wanted first."""
SHOWN = 4


def fitting(served: Collection[str]) -> list[str]:
    """Some that this hub's devices can do."""
    return [said for function, said in EXAMPLES.items() if function in served][:SHOWN]
