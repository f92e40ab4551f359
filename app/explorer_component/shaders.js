// What runs on the graphics card. Positions move between two states by a mix.

export const POINT_VERTEX = `#version 300 es
in vec2 a_from, a_to;
in vec4 a_colour_from, a_colour_to;
in vec4 a_flags;                       // domain, hidden, marked
uniform vec2 u_centre, u_zoom;
uniform float u_mix, u_size, u_dim;
out vec4 v_colour;
out float v_size;
flat out float v_domain, v_marked;
void main() {
  vec2 place = mix(a_from, a_to, u_mix);
  gl_Position = a_flags.y > 0.5 ? vec4(2.0, 2.0, 2.0, 1.0) : vec4((place - u_centre) * u_zoom, 0.0, 1.0);
  v_marked = a_flags.z;
  v_domain = a_flags.x;
  v_size = u_size * (v_marked > 0.5 ? 1.45 : 1.0);
  gl_PointSize = v_size;
  v_colour = mix(a_colour_from, a_colour_to, u_mix);
  v_colour.a = v_domain < 0.5 ? 0.95 : 0.85;
  if (u_dim > 0.5 && v_marked < 0.5) v_colour.a = 0.16;
}`;

export const POINT_FRAGMENT = `#version 300 es
precision mediump float;
in vec4 v_colour;
in float v_size;
flat in float v_domain, v_marked;
uniform vec3 u_paper, u_ink;
uniform float u_ratio;
out vec4 colour;
void main() {
  vec2 q = abs(gl_PointCoord - 0.5) * v_size;
  float radius = v_size * 0.5 - 0.5;
  float line = (v_marked > 0.5 ? 2.0 : 1.4) * u_ratio;
  float edge;
  vec3 body = v_colour.rgb;
  if (v_domain < 0.5) {
    edge = length(q) - radius * 0.88;
    if (v_size > 5.5 * u_ratio) {
      vec3 rim = v_marked > 0.5 ? u_ink : u_paper;
      body = mix(body, rim, smoothstep(-u_ratio - 0.5, -u_ratio + 0.5, edge));
    }
  } else {
    edge = (q.x + q.y - radius) * 0.7071;
    if (v_size > 5.5 * u_ratio) edge = abs(edge + line * 0.5) - line * 0.5;
  }
  float alpha = v_colour.a * (1.0 - smoothstep(-0.5, 0.5, edge));
  if (alpha < 0.01) discard;
  colour = vec4(body * alpha, alpha);
}`;

export const TRAIL_VERTEX = `#version 300 es
in float a_along;
in vec2 a_from, a_to;
in vec4 a_means;                       // the class's mean place before, and after
in vec4 a_colour_to;
in vec4 a_flags;
uniform vec2 u_centre, u_zoom;
uniform float u_bundle, u_strength, u_dim;
out vec4 v_colour;
void main() {
  float pull = u_bundle * 4.0 * a_along * (1.0 - a_along);
  vec2 straight = mix(a_from, a_to, a_along);
  vec2 place = mix(straight, mix(a_means.xy, a_means.zw, a_along), pull);
  gl_Position = a_flags.y > 0.5 ? vec4(2.0, 2.0, 2.0, 1.0) : vec4((place - u_centre) * u_zoom, 0.0, 1.0);
  float strength = u_dim > 0.5 ? (a_flags.z > 0.5 ? max(u_strength, 0.7) : 0.0) : u_strength;
  v_colour = vec4(a_colour_to.rgb, strength * (0.2 + 0.8 * a_along));
}`;

export const TRAIL_FRAGMENT = `#version 300 es
precision mediump float;
in vec4 v_colour;
out vec4 colour;
void main() {
  if (v_colour.a < 0.004) discard;
  colour = vec4(v_colour.rgb * v_colour.a, v_colour.a);
}`;
